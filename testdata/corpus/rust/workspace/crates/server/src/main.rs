fn main() {
    println!("ws-server");
}

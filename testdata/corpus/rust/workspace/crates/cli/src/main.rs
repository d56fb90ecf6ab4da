fn main() {
    println!("ws-cli");
}

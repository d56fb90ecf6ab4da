fn main() {
    println!("tinyproxy-rs");
}

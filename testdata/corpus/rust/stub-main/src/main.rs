fn main() {
    println!("geo-index");
}

fn main() {
    println!("pixelsort");
}

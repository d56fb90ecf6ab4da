fn main() {
    println!("life-wasm");
}

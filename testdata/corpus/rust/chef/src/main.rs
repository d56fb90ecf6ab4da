fn main() {
    println!("ledgerd");
}

fn main() {
    println!("queue-drain");
}

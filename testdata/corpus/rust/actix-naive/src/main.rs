fn main() {
    println!("guestbook");
}

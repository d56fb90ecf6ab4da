public class Fleet {
    public static void main(String[] args) {}
}

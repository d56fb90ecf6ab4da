public class Clicks {
    public static void main(String[] args) {}
}

public class Probe {
    public static void main(String[] args) {}
}

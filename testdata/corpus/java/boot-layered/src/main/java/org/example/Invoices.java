package org.example;

public class Invoices {
    public static void main(String[] args) {}
}

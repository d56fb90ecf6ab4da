# server.dart

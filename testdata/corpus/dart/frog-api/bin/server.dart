import 'package:shelf/shelf_io.dart' as io;

void main() => io.serve((_) => throw 'todo', '0.0.0.0', 8080);

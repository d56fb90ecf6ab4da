# Main.scala

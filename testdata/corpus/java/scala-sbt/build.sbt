name := "stream"
version := "0.1"
scalaVersion := "3.5.2"
libraryDependencies += "org.apache.kafka" % "kafka-streams" % "3.9.0"

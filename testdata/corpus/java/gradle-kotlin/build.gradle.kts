plugins {
    java
    application
}

repositories { mavenCentral() }

dependencies {
    implementation("io.ktor:ktor-server-netty:3.0.2")
}

application { mainClass.set("com.example.App") }

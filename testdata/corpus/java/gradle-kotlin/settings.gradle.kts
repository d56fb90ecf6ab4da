rootProject.name = "ktor-feed"

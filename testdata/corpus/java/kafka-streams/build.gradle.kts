plugins {
    application
}

application {
    mainClass = "Clicks"
}

rootProject.name = "clicks"

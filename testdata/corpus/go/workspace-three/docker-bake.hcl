group "default" {
  targets = ["api", "worker"]
}

target "base" {
  context = "."
  platforms = ["linux/amd64", "linux/arm64"]
}

target "api" {
  inherits   = ["base"]
  dockerfile = "api/Dockerfile"
}

target "worker" {
  inherits   = ["base"]
  dockerfile = "worker/Dockerfile"
}

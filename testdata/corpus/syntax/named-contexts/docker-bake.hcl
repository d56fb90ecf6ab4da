target "default" {
  context = "."
  contexts = {
    base   = "docker-image://alpine:3.22"
    shared = "../volumes"
    assets = "target:assets"
  }
}

target "assets" {
  dockerfile-inline = "FROM scratch\nCOPY Dockerfile /"
}

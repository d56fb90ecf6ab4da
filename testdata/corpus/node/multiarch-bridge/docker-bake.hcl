variable "TAG" {
  default = "dev"
}

group "default" {
  targets = ["bridge"]
}

target "bridge" {
  context   = "."
  platforms = ["linux/amd64", "linux/arm64", "linux/arm/v7"]
  tags      = ["registry.example.com/modbus-bridge:${TAG}"]
}

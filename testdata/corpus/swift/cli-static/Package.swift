// swift-tools-version:5.9
import PackageDescription

let package = Package(name: "hashit", targets: [.executableTarget(name: "hashit")])

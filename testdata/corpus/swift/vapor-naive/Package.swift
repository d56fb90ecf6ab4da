// swift-tools-version:5.8
import PackageDescription

let package = Package(name: "Menu", targets: [.executableTarget(name: "Menu")])

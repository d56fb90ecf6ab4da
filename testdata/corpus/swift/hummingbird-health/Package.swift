// swift-tools-version:6.0
import PackageDescription

let package = Package(name: "Health", targets: [.executableTarget(name: "Health")])

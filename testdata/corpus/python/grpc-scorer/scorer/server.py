import grpc

server = grpc.server(None)

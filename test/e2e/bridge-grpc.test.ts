import { testBridge } from "../conformance/bridge/matrix.ts";

// The bridge matrix (test/conformance/bridge): providers that speak by a .proto file, Dubbo's own stubs and a gRPC server in Node.
testBridge(["protobuf", "grpc"]);

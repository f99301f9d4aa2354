import { testBridge } from "../conformance/bridge/matrix.ts";

// The bridge matrix (test/conformance/bridge): Triple providers of Java interfaces.
testBridge(["wrapper", "wrapper3.2"]);

import { testBridge } from "../conformance/bridge/matrix.ts";

// The bridge matrix (test/conformance/bridge): Dubbo2 providers.
testBridge(["dubbo2", "dubbo2.6"]);

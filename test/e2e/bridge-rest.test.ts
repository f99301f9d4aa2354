import { testBridge } from "../conformance/bridge/matrix.ts";

// The bridge matrix (test/conformance/bridge): a Spring service that knows nothing of Dubbo.
testBridge(["rest"]);

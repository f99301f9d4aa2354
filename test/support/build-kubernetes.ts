import { buildCrds, buildKubeApiserver } from "./go-peers.ts";

// Apart from the other peers, for it takes minutes: `make test-istio` waits for it, `make test` has it done while other tests run.
await buildKubeApiserver((text) => console.log(text));
await buildCrds("istio", (text) => console.log(text));
await buildCrds("gateway-api", (text) => console.log(text));

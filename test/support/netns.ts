/**
 * The addresses of the test network. Everything end to end runs in a network namespace of its own (`scripts/netns.sh`), so that
 * ports are fixed and nothing outside is disturbed.
 */
export const hosts = {
  registry: "10.77.0.1",
  provider1: "10.77.0.2",
  provider2: "10.77.0.3",
  provider3: "10.77.0.4",
  trestle: "10.77.0.5",
  relay: "10.77.0.6",
} as const;

/** Throws with what to do unless the tests run inside the namespace. */
export function requireNamespace(): void {
  if (process.env["TRESTLE_NETNS"] !== "1") {
    throw new Error("end-to-end tests run in a network namespace: `npm run test:e2e` or `make test`");
  }
}

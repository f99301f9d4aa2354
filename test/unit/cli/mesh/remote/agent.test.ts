import { randomBytes } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, onTestFinished, test } from "vitest";
import { realClock } from "../../../../../src/base/clock.ts";
import { ConfigError, TransientError } from "../../../../../src/base/errors.ts";
import { Agent } from "../../../../../src/cli/mesh/remote/agent.ts";
import { decodeCertificate } from "../../../../../src/codecs/x509/certificate.ts";
import { parsePem } from "../../../../../src/codecs/x509/pem.ts";
import { decodeRequest } from "../../../../../src/codecs/x509/request.ts";
import { createRoot, readAuthority } from "../../../../../src/control/ca/authority.ts";
import { CertificateAuthority } from "../../../../../src/control/ca/certificate-authority.ts";
import { recordingLogger, turn } from "../../../../support/recording-logger.ts";

const ids: Readonly<Record<string, string>> = { "token-of-a": "shop/a", "token-of-b": "shop/b" };

/** A host whose proxy asks the servers `away` and `here`; who is asked says whom the token is of, or the last certificate was. */
function host() {
  const folder = mkdtempSync(join(tmpdir(), "trestle-agent-"));
  onTestFinished(() => rmSync(folder, { recursive: true }));
  const authority = new CertificateAuthority({ clock: realClock, random: randomBytes });
  const root = createRoot("cluster.local", "ec", Buffer.alloc(16, 1), realClock.now());
  authority.take(readAuthority(root, realClock.now()));
  writeFileSync(join(folder, "roots.pem"), "");
  const token = join(folder, "token");
  writeFileSync(token, "token-of-a\n");
  const asked: string[] = [];
  const state: { isDown: boolean; last: string; silence?: Promise<void> } = { isDown: false, last: "" };
  const start = async (tls = { roots: join(folder, "roots.pem"), token }) => {
    const agent = new Agent(
      { control: { servers: ["away", "here"] } as never, data: folder },
      tls,
      recordingLogger().logger,
      async ({ server, token: said, csr }) => {
        asked.push(`${server} ${said}`);
        await state.silence;
        if (server === "away" || state.isDown) throw new TransientError("nobody answers");
        state.last = ids[said ?? ""] ?? state.last;
        const [namespace, account] = state.last.split("/");
        const request = decodeRequest(parsePem("CERTIFICATE REQUEST", csr)[0]!);
        const uris = [`spiffe://cluster.local/ns/${namespace}/sa/${account}`];
        return authority.sign(request, { uris }, 86_400).chain;
      },
    );
    onTestFinished(() => agent.close());
    await agent.start();
    await turn();
    return agent;
  };
  return { folder, token, asked, state, start };
}

function identityOf(agent: Agent): string | undefined {
  const own = agent.secrets.get().find(({ name }) => name === "default")?.resource.tlsCertificate;
  const text = own?.certificateChain?.inlineString;
  return text && decodeCertificate(parsePem("CERTIFICATE", text)[0]!).altNames.uris[0]?.split("/ns/")[1];
}

test("the first certificate is asked for by the token, of one server after the other; the next start has it still", async () => {
  const { asked, state, start, folder } = host();
  expect(identityOf(await start())).toBe("shop/sa/a");
  expect(asked).toEqual(["away token-of-a", "here token-of-a"]);
  state.isDown = true;
  expect(identityOf(await start())).toBe("shop/sa/a");
  expect(asked).toHaveLength(2);
  expect(readFileSync(join(folder, "agent.json"), "utf8")).not.toContain("token-of-a");
});

test("another token is asked with at once at the next start, and the old certificate stays while that fails", async () => {
  const { asked, state, token, start } = host();
  await start();
  writeFileSync(token, "token-of-b");
  state.isDown = true;
  expect(identityOf(await start())).toBe("shop/sa/a");
  expect(asked[2]).toBe("away token-of-b");
  state.isDown = false;
  expect(identityOf(await start())).toBe("shop/sa/b");
  const before = asked.length;
  expect(identityOf(await start())).toBe("shop/sa/b");
  expect(asked).toHaveLength(before);
});

test("a control that is silent holds up no start with a certificate, and gives the next one when it speaks", async () => {
  const { state, token, start } = host();
  await start();
  writeFileSync(token, "token-of-b");
  let speak = () => {};
  state.silence = new Promise((resolve) => {
    speak = resolve;
  });
  const agent = await start();
  expect(identityOf(agent)).toBe("shop/sa/a");
  speak();
  await expect.poll(() => identityOf(agent)).toBe("shop/sa/b");
});

test("a token that is gone is not missed once there is a certificate; at the first start it is", async () => {
  const { token, start } = host();
  await start();
  writeFileSync(token, "");
  expect(identityOf(await start())).toBe("shop/sa/a");
  rmSync(token);
  await expect(start()).rejects.toThrow(ConfigError);
});

test("roots that control gives are kept with the certificate and handed on", async () => {
  const { folder, start } = host();
  const agent = await start();
  const validationContext = { trustedCa: { inlineString: "ROOTS" } };
  agent.takeRoots({ name: "ROOTCA", validationContext });
  agent.takeRoots({ name: "ROOTCA" });
  const roots = agent.secrets.get().find(({ name }) => name === "ROOTCA")?.resource.validationContext;
  expect(roots).toEqual(validationContext);
  expect(JSON.parse(readFileSync(join(folder, "agent.json"), "utf8"))).toMatchObject({ validation: validationContext });
});

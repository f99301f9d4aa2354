import { readdirSync, readFileSync } from "node:fs";
import { posix } from "node:path";
import ts from "typescript";
import { slowAccessors } from "./slow-accessors.ts";

/** What may import what; the folders of src. The three product folders never import each other: `cli` joins them. */
const mayImport: Readonly<Record<string, readonly string[]>> = {
  base: ["base"],
  model: ["model", "base"],
  codecs: ["codecs", "model", "base"],
  kubernetes: ["kubernetes", "base"],
  "registry-sync": ["registry-sync", "kubernetes", "codecs", "model", "base"],
  "bridge-proxy": ["bridge-proxy", "codecs", "model", "base"],
  control: ["control", "kubernetes", "codecs", "model", "base"],
  cli: ["cli", "control", "bridge-proxy", "registry-sync", "kubernetes", "codecs", "model", "base"],
  console: ["console"],
};

/** Files and folders of src that do no I/O and take time and chance as arguments. */
const pure: readonly string[] = [
  "base/",
  "model/",
  "codecs/",
  "registry-sync/contracts.ts",
  "registry-sync/diff.ts",
  "registry-sync/dubbo/",
  "registry-sync/entries/",
  "registry-sync/findings.ts",
  "registry-sync/merge/",
  "registry-sync/naming/",
  "registry-sync/state/state-text.ts",
  "registry-sync/sources/kubernetes/objects.ts",
  "registry-sync/sources/kubernetes/world.ts",
  "registry-sync/sources/file/services-text.ts",
  "registry-sync/present/",
  "registry-sync/embedded/acl.ts",
  "registry-sync/embedded/reads.ts",
  "registry-sync/embedded/tree.ts",
  "registry-sync/embedded/watches.ts",
  "registry-sync/embedded/words.ts",
  "registry-sync/embedded/writes.ts",
  "registry-sync/sources/eureka/world.ts",
  "registry-sync/sources/nacos/instances.ts",
  "registry-sync/sources/nacos/plain-service.ts",
  "registry-sync/sources/nacos/service-book.ts",
  "registry-sync/sources/nacos/service-names.ts",
  "registry-sync/sources/nacos/world.ts",
  "registry-sync/sources/zookeeper/dubbo-plan.ts",
  "registry-sync/sources/zookeeper/world.ts",
  "bridge-proxy/route.ts",
  "bridge-proxy/bridge/json-form.ts",
  "bridge-proxy/bridge/to-dubbo.ts",
  "bridge-proxy/bridge/to-rest.ts",
  "bridge-proxy/bridge/to-triple.ts",
  "bridge-proxy/bridge/triple-collector.ts",
  "bridge-proxy/call-table.ts",
  "bridge-proxy/slab.ts",
  "bridge-proxy/dubbo/argument-text.ts",
  "bridge-proxy/dubbo/edits.ts",
  "bridge-proxy/dubbo/header-lookup.ts",
  "bridge-proxy/dubbo/lanes.ts",
  "bridge-proxy/gateway/cors.ts",
  "bridge-proxy/gateway/fields.ts",
  "bridge-proxy/gateway/guard.ts",
  "bridge-proxy/gateway/outside-stream.ts",
  "bridge-proxy/gateway/table.ts",
  "bridge-proxy/http/head.ts",
  "bridge-proxy/triple/answers.ts",
  "bridge-proxy/triple/detect.ts",
  "bridge-proxy/triple/http1-stream.ts",
  "bridge-proxy/triple/edits.ts",
  "bridge-proxy/triple/lanes.ts",
  "bridge-proxy/balance/",
  "bridge-proxy/policies/",
  "control/rules/",
  "control/compile/",
];

/** The two files of `base` through which time and log lines come in. */
const impure: readonly string[] = ["base/clock.ts", "base/log.ts", "base/stop.ts"];

const pureModules = new Set([
  "node:buffer",
  "node:crypto",
  "node:util",
  "node:path/posix",
  "@bufbuild/protobuf",
  "@bufbuild/protobuf/wire",
  "@bufbuild/protobuf/reflect",
  "@bufbuild/protobuf/wkt",
  "yaml",
  "re2js",
]);
const impureGlobals = new Set([
  "setTimeout",
  "setInterval",
  "setImmediate",
  "queueMicrotask",
  "process",
  "console",
  "fetch",
  "performance",
]);

export const maxLines = 400;

/** Files without a unit test of their own, each with the reason. A file that holds types only needs none. */
export const withoutUnitTest: Readonly<Record<string, string>> = {
  "cli/admin-client.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/analyze.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/call.ts": "run as a program: test/e2e/call.test.ts",
  "cli/config.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/config/config.ts": "shapes and defaults; tested where they are filled in: config/resolve.test.ts",
  "cli/config/follow.ts": "reads a file by the clock: test/e2e/cli.test.ts",
  "cli/demo.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/diff.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/mesh/open-sync.ts": "opens registries: test/e2e/sync.test.ts",
  "cli/mesh/sync-role.ts": "joins the parts of trestle sync: test/e2e/sync.test.ts",
  "cli/sync.ts": "run as a program: test/e2e/sync.test.ts",
  "cli/endpoints.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/explain.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/export.ts": "run as a program: test/e2e/export.test.ts",
  "cli/proxy.ts": "run as a program: test/e2e/remote-proxy.test.ts",
  "cli/fail.ts": "ends the process: test/e2e/cli.test.ts",
  "cli/main.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/output.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/restart.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/role-flags.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/routes.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/run-role.ts": "ends the process: test/e2e/cli.test.ts",
  "cli/rules.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/services.ts": "run as a program: test/e2e/control/admin.test.ts",
  "cli/triple/call.ts": "joined to a socket: test/e2e/call-triple.test.ts",
  "cli/triple/http-call.ts": "drives a socket: test/e2e/call-triple.test.ts",
  "cli/triple/grpc-call.ts": "joined to a socket and to files: test/e2e/call-grpc.test.ts",
  "cli/triple/client.ts": "drives a socket: test/e2e/call-triple.test.ts",
  "cli/up.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/version.ts": "run as a program: test/e2e/cli.test.ts",
  "cli/worker-command.ts": "a process: test/e2e/cli.test.ts",
  "cli/demo/": "sample applications and their mesh, run as a program: test/e2e/cli.test.ts",
  "cli/dubbo/": "clients and servers on sockets: test/e2e/call.test.ts, test/e2e/cli.test.ts",
  "cli/mesh/": "joins processes and sockets: test/e2e/cli.test.ts",
  "registry-sync/embedded/server.ts": "sockets alone: test/e2e/zookeeper-server.test.ts",
  "registry-sync/sources/eureka/link.ts": "sockets alone: test/e2e/registries-conformance-eureka.test.ts",
  "kubernetes/client.ts": "sockets alone: test/istio/kubernetes-source.test.ts",
  "registry-sync/sources/zookeeper/link.ts": "a socket alone: test/e2e/zookeeper-client.test.ts",
  "bridge-proxy/after.ts": "a timer alone: test/e2e/proxy-rules.test.ts",
  "bridge-proxy/config.ts": "joined to sockets: test/e2e/proxy-rules.test.ts",
  "bridge-proxy/context.ts": "shapes and default limits; limits are tested where they bite",
  "bridge-proxy/dubbo/answers.ts": "joined to sockets: test/e2e/proxy-rules.test.ts",
  "bridge-proxy/dubbo/callbacks.ts": "joined to sockets: test/e2e/proxy-carriage.test.ts",
  "bridge-proxy/dubbo/callee.ts": "drives a socket: test/e2e/proxy-provider-faults.test.ts",
  "bridge-proxy/dubbo/header-lookup.ts": "tested with the arguments that it reads: argument-text.test.ts",
  "bridge-proxy/dubbo/tries.ts": "joined to sockets: test/e2e/proxy-rules.test.ts",
  "bridge-proxy/http/call.ts": "joined to sockets: test/e2e/http-proxy.test.ts",
  "bridge-proxy/http/callee.ts": "drives sockets: test/e2e/http-faults.test.ts",
  "bridge-proxy/http/link.ts": "drives a socket: test/e2e/http-faults.test.ts",
  "bridge-proxy/http/try.ts": "joined to sockets: test/e2e/http-faults.test.ts",
  "bridge-proxy/inbound/connection.ts": "drives a socket: test/e2e/mtls.test.ts",
  "bridge-proxy/inbound/passage.ts": "drives sockets: test/e2e/mtls.test.ts",
  "bridge-proxy/inbound/serve.ts": "joined to sockets: test/e2e/mtls.test.ts",
  "bridge-proxy/tls/accept.ts": "drives a socket: test/e2e/mtls.test.ts",
  "bridge-proxy/tls/proxy-tls.ts": "what connections share: test/e2e/mtls.test.ts",
  "bridge-proxy/tls/upstream.ts": "drives sockets: test/e2e/mtls.test.ts",
  "bridge-proxy/pending.ts": "joined to sockets: test/e2e/proxy-rules.test.ts",
  "bridge-proxy/proxy.ts": "opens listeners: test/e2e/proxy-carriage.test.ts",
  "registry-sync/facades/listen.ts": "listens: test/e2e/zookeeper-facade.test.ts",
  "registry-sync/facades/nacos.ts": "listens: test/e2e/nacos-facade.test.ts",
  "registry-sync/facades/nacos/connection.ts": "drives sockets: test/e2e/nacos-facade.test.ts",
  "registry-sync/facades/nacos/http.ts": "serves requests: test/e2e/nacos-facade.test.ts",
  "registry-sync/facades/nacos/http-server.ts": "listens: test/e2e/nacos-facade.test.ts",
  "registry-sync/facades/nacos/http-upstream.ts": "makes requests: test/e2e/nacos-facade.test.ts",
  "registry-sync/facades/zookeeper.ts": "listens: test/e2e/zookeeper-facade.test.ts",
  "registry-sync/facades/zookeeper/connection.ts": "drives sockets: test/e2e/zookeeper-facade.test.ts",
  "bridge-proxy/upstream/host.ts": "drives sockets: test/e2e/proxy-provider-faults.test.ts",
  "bridge-proxy/bridge/far-sides.ts": "joined to sockets: test/e2e/grpc-messages.test.ts",
  "bridge-proxy/bridge/translated-try.ts": "joined to sockets: test/e2e/triple-bridge-back.test.ts",
  "bridge-proxy/bridge/rest-try.ts": "joined to sockets: test/e2e/spring-rest.test.ts",
  "bridge-proxy/bridge/triple-try.ts": "joined to sockets: test/e2e/triple-bridge.test.ts",
  "bridge-proxy/gateway/entrance.ts": "joined to sockets: test/e2e/gateway.test.ts",
  "bridge-proxy/triple/entrance.ts": "joined to sockets: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/triple/accept.ts": "drives a socket: test/e2e/http-json.test.ts",
  "bridge-proxy/triple/tries.ts": "makes what has tests of its own: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/triple/check-call.ts": "joined to sockets: test/e2e/ext-authz.test.ts",
  "bridge-proxy/triple/call.ts": "joined to sockets: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/triple/callee.ts": "drives a socket: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/triple/caller.ts": "drives a socket: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/triple/stream-try.ts": "joined to sockets: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/triple/request-content.ts": "joined to sockets: test/e2e/triple-proxy.test.ts",
  "bridge-proxy/upstream/connecting.ts": "drives a socket: test/e2e/proxy-provider-faults.test.ts",
  "bridge-proxy/upstream/endpoint-group.ts": "tested with the cluster that it is a part of: upstream/cluster.test.ts",
  "bridge-proxy/worker.ts": "a process: test/e2e/dubbo-mesh.test.ts",
  "base/log.ts": "writes to standard error",
  "control/tls-listener.ts": "listens: test/e2e/control/certificates.test.ts",
  "cli/control.ts": "run as a program: test/e2e/control/xds.test.ts",
  "cli/mesh/control-role.ts": "run as a program: test/e2e/control/xds.test.ts",
  "control/xds/server.ts": "sockets: test/e2e/xds-conformance.test.ts",
  "codecs/xds/gen/": "made by the build: test/unit/codecs/xds/types.test.ts",
  "codecs/xds/resources.ts": "shapes and type URLs",
  "codecs/xds/core.ts": "shapes and one name",
  "codecs/xds/serialization-guard.ts": "shapes and one name",
  "codecs/xds/secret.ts": "shapes and two names",
  "codecs/xds/route.ts": "shapes and names of filters",
  "codecs/xds/cluster.ts": "shapes and one name",
  "registry-sync/facades/hosts.ts": "connects to servers: test/e2e/zookeeper-facade.test.ts",
  "registry-sync/sinks/sink-loop.ts": "tested with the loop that runs it: controller.test.ts",
  "registry-sync/sources/nacos/transport.ts": "a socket alone: test/e2e/nacos-source.test.ts",
  "registry-sync/dubbo/interface-world.ts": "tested with the worlds that it builds: world.test.ts",
  "registry-sync/sources/zookeeper/tree.ts": "shapes and one limit",
};

/** Unit tests that mirror no file of src, each with the reason. */
const extraTests: Readonly<Record<string, string>> = {
  "tree.test.ts": "checks the tree itself",
  "cli/mesh/pipeline.test.ts":
    "the sync from worlds to what a worker holds, over any sequence: parts of three folders, as the mesh joins them",
  "bench/codec-numbers.test.ts": "the table of the codecs' bench, in test/bench",
  "bench/numbers.test.ts": "the bench's own arithmetic and tables, in test/bench",
  "bench/peers-config.test.ts": "what the bench tells the other proxies, in test/bench",
  "bench/signing-numbers.test.ts": "the table of the certificates' bench, in test/bench",
  "bench/whole-calls-numbers.test.ts": "the table of the bench of whole calls, in test/bench",
  "bench/xds-numbers.test.ts": "the tables of the xDS bench, in test/bench",
  "bench/registry-numbers.test.ts": "the tables of the registries' bench, in test/bench",
  "registry-sync/facades/eureka/handler-agreement.test.ts":
    "Eureka's handler with clients that follow it, over any sequence",
};

/** Source text by path, as "src/base/clock.ts" and "test/unit/base/clock.test.ts". */
export type Tree = ReadonlyMap<string, string>;

/** Reads the TypeScript files under `root`/src and `root`/test/unit. */
export function readTree(root: string): Tree {
  const tree = new Map<string, string>();
  const walk = (dir: string): void => {
    for (const entry of readdirSync(posix.join(root, dir), { withFileTypes: true })) {
      const path = posix.join(dir, entry.name);
      if (entry.isDirectory()) walk(path);
      else if (/\.tsx?$/.test(path)) tree.set(path, readFileSync(posix.join(root, path), "utf8"));
    }
  };
  walk("src");
  walk("test/unit");
  return tree;
}

/** Every fault of the tree as "path: what is wrong", sorted, but for files that `exempt` names; none when it keeps the rules of ARCHITECTURE.md. */
export function checkTree(tree: Tree, exempt: Readonly<Record<string, string>> = withoutUnitTest): string[] {
  const faults: string[] = [];
  const imports = new Map<string, string[]>();
  for (const [path, text] of tree) {
    if (!path.startsWith("src/")) continue;
    const source = ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true);
    const specifiers = importsOf(source);
    const own = specifiers.filter((name) => name.startsWith(".")).map((name) => posix.join(posix.dirname(path), name));
    imports.set(path, own);
    faults.push(...folderFaults(path, own, tree));
    if (isPure(path)) faults.push(...pureFaults(path, source, specifiers));
    faults.push(...undocumented(path, source), ...slowAccessors(path, source));
    const lines = text.split("\n").length - 1;
    if (lines > maxLines) faults.push(`${path}: ${lines} lines, over ${maxLines}`);
    if (!tree.has(testOf(path)) && !isTypesOnly(source) && exemption(path, exempt) === undefined) {
      faults.push(`${path}: has no unit test ${testOf(path)}`);
    }
  }
  faults.push(...cycles(imports), ...strayTests(tree), ...staleExemptions(tree, exempt));
  return faults.sort();
}

function folderOf(path: string): string {
  return path.split("/")[1];
}

function folderFaults(path: string, own: readonly string[], tree: Tree): string[] {
  const allowed = mayImport[folderOf(path)];
  if (allowed === undefined || path.split("/").length < 3) return [`${path}: not in a documented folder of src`];
  const faults: string[] = [];
  for (const target of own) {
    if (!tree.has(target)) faults.push(`${path}: imports ${target}, which is not a source file`);
    else if (!allowed.includes(folderOf(target))) {
      faults.push(`${path}: ${folderOf(path)} may not import ${folderOf(target)} (${target})`);
    }
  }
  return faults;
}

function importsOf(source: ts.SourceFile): string[] {
  const found: string[] = [];
  const visit = (node: ts.Node): void => {
    if ((ts.isImportDeclaration(node) || ts.isExportDeclaration(node)) && node.moduleSpecifier) {
      found.push((node.moduleSpecifier as ts.StringLiteral).text);
    } else if (ts.isCallExpression(node) && node.expression.kind === ts.SyntaxKind.ImportKeyword) {
      const name = node.arguments[0];
      if (name && ts.isStringLiteral(name)) found.push(name.text);
    } else if (ts.isImportTypeNode(node) && ts.isLiteralTypeNode(node.argument)) {
      found.push((node.argument.literal as ts.StringLiteral).text);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return found;
}

function isPure(path: string): boolean {
  const inside = path.slice("src/".length);
  if (impure.includes(inside)) return false;
  return pure.some((entry) => (entry.endsWith("/") ? inside.startsWith(entry) : inside === entry));
}

function pureFaults(path: string, source: ts.SourceFile, specifiers: readonly string[]): string[] {
  const faults = specifiers
    .filter((name) => !name.startsWith(".") && !pureModules.has(name))
    .map((name) => `${path}: is pure, but imports ${name}`);
  const visit = (node: ts.Node): void => {
    const what = impureUse(node);
    if (what !== undefined) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source));
      faults.push(`${path}: is pure, but uses ${what} in line ${line + 1}`);
    }
    ts.forEachChild(node, visit);
  };
  visit(source);
  return faults;
}

function impureUse(node: ts.Node): string | undefined {
  if (ts.isPropertyAccessExpression(node) && ts.isIdentifier(node.expression)) {
    const name = `${node.expression.text}.${node.name.text}`;
    if (name === "Date.now" || name === "Math.random" || impureGlobals.has(node.expression.text)) return name;
  }
  if (ts.isCallExpression(node) && ts.isIdentifier(node.expression) && impureGlobals.has(node.expression.text)) {
    return node.expression.text;
  }
  if (ts.isNewExpression(node) && node.expression.getText() === "Date" && !node.arguments?.length) return "new Date()";
  return undefined;
}

/** One fault for each exported declaration without a doc comment right before it; overloads share that of the first. */
function undocumented(path: string, source: ts.SourceFile): string[] {
  const faults: string[] = [];
  let last = "";
  for (const one of source.statements) {
    const name = exportedName(one);
    if (name !== undefined && !(ts.isFunctionDeclaration(one) && name === last) && !hasDocComment(one, source)) {
      const { line } = source.getLineAndCharacterOfPosition(one.getStart(source));
      faults.push(`${path}: exports ${name} without a doc comment in line ${line + 1}`);
    }
    last = name ?? "";
  }
  return faults;
}

function exportedName(one: ts.Statement): string | undefined {
  if (!ts.canHaveModifiers(one) || !ts.getModifiers(one)?.some(({ kind }) => kind === ts.SyntaxKind.ExportKeyword)) {
    return undefined;
  }
  if (ts.isVariableStatement(one)) return one.declarationList.declarations.map(({ name }) => name.getText()).join(", ");
  return (one as ts.DeclarationStatement).name?.text ?? "default";
}

/** A comment that a blank line parts from the declaration is the file's or the section's. */
function hasDocComment(one: ts.Statement, source: ts.SourceFile): boolean {
  const comment = ts.getJSDocCommentsAndTags(one).filter(ts.isJSDoc).at(-1);
  return comment !== undefined && !/\n\s*\n/.test(source.text.slice(comment.end, one.getStart(source)));
}

/** Whether a file has nothing to run: imports, types and re-exports of types only. */
function isTypesOnly(source: ts.SourceFile): boolean {
  return source.statements.every(
    (one) =>
      ts.isImportDeclaration(one) ||
      ts.isInterfaceDeclaration(one) ||
      ts.isTypeAliasDeclaration(one) ||
      ts.isModuleDeclaration(one) ||
      (ts.isExportDeclaration(one) && (one.isTypeOnly || !one.moduleSpecifier)),
  );
}

function testOf(path: string): string {
  return path.replace(/^src\//, "test/unit/").replace(/\.ts$/, ".test.ts");
}

function exemption(path: string, exempt: Readonly<Record<string, string>>): string | undefined {
  const inside = path.slice("src/".length);
  return Object.keys(exempt).find((entry) => (entry.endsWith("/") ? inside.startsWith(entry) : inside === entry));
}

function strayTests(tree: Tree): string[] {
  return [...tree.keys()]
    .filter((path) => path.startsWith("test/unit/") && path.endsWith(".test.ts"))
    .filter((path) => extraTests[path.slice("test/unit/".length)] === undefined)
    .filter((path) => !tree.has(path.replace(/^test\/unit\//, "src/").replace(/\.test\.ts$/, ".ts")))
    .map((path) => `${path}: mirrors no file of src`);
}

function staleExemptions(tree: Tree, exempt: Readonly<Record<string, string>>): string[] {
  return Object.keys(exempt)
    .filter((entry) => !entry.endsWith("/") && (!tree.has(`src/${entry}`) || tree.has(testOf(`src/${entry}`))))
    .map((entry) => `src/${entry}: is exempt from having a unit test, but is gone or has one`);
}

/** One fault for each import that closes a cycle. Type-only imports count: two files that need each other are one. */
function cycles(imports: ReadonlyMap<string, readonly string[]>): string[] {
  const faults: string[] = [];
  const state = new Map<string, "open" | "done">();
  const visit = (path: string, trail: readonly string[]): void => {
    if (state.get(path) === "done") return;
    if (state.get(path) === "open") {
      faults.push(`${path}: imports itself by ${[...trail.slice(trail.indexOf(path)), path].join(" -> ")}`);
      return;
    }
    state.set(path, "open");
    for (const target of imports.get(path) ?? []) visit(target, [...trail, path]);
    state.set(path, "done");
  };
  for (const path of [...imports.keys()].sort()) visit(path, []);
  return faults;
}

import { Command } from "commander";
import { createAnalyzeCommand } from "./analyze.ts";
import { createAuditCommand } from "./audit.ts";
import { createCallCommand } from "./call.ts";
import { createConfigCommand } from "./config.ts";
import { createControlCommand } from "./control.ts";
import { createDemoCommand } from "./demo.ts";
import { createDiffCommand } from "./diff.ts";
import { createEndpointsCommand } from "./endpoints.ts";
import { createExplainCommand } from "./explain.ts";
import { createExportCommand } from "./export.ts";
import { failWith } from "./fail.ts";
import { refuseTwice } from "./once.ts";
import { createProxiesCommand } from "./proxies.ts";
import { createProxyCommand } from "./proxy.ts";
import { createRegistriesCommand } from "./registries.ts";
import { createRestartCommand } from "./restart.ts";
import { createRoutesCommand } from "./routes.ts";
import { createRulesCommand } from "./rules.ts";
import { createServicesCommand } from "./services.ts";
import { createSyncCommand } from "./sync.ts";
import { createUpCommand } from "./up.ts";
import { VERSION } from "./version.ts";
import { createWorkerCommand, WORKER_COMMAND } from "./worker-command.ts";

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("trestle")
    .description(
      "a protocol-bridging mesh for legacy Dubbo and Spring Cloud: change the registry address, get routing and resilience per method",
    )
    .version(VERSION)
    // An option behind a command is that command's own: `call --version 1.0.0` is a service's version.
    .enablePositionalOptions()
    .hook("preAction", (_, command) => leaveWithReader(command.name()));
  program.addCommand(createDemoCommand());
  program.addCommand(refuseTwice(createUpCommand()));
  program.addCommand(refuseTwice(createSyncCommand()));
  program.addCommand(refuseTwice(createControlCommand()));
  program.addCommand(refuseTwice(createProxyCommand()));
  program.addCommand(createCallCommand());
  program.addCommand(createServicesCommand());
  program.addCommand(createEndpointsCommand());
  program.addCommand(createRegistriesCommand());
  program.addCommand(createProxiesCommand());
  program.addCommand(createRoutesCommand());
  program.addCommand(createRulesCommand());
  program.addCommand(createExplainCommand());
  program.addCommand(createAnalyzeCommand());
  program.addCommand(createDiffCommand());
  program.addCommand(createExportCommand());
  program.addCommand(createAuditCommand());
  program.addCommand(createConfigCommand());
  program.addCommand(createRestartCommand());
  program.addCommand(createWorkerCommand(), { hidden: true });
  for (const command of [program, ...program.commands]) {
    const hint =
      command === program
        ? "trestle --help lists the commands"
        : `trestle ${command.name()} --help shows what it takes`;
    command.configureOutput({
      outputError: (text, write) =>
        write(
          `${text
            .replace(/^error: /, "trestle: ")
            .trim()
            .replaceAll("\n", " ")} (${hint})\n`,
        ),
    });
  }
  return program;
}

/** Commands that go on when nobody reads what they print, or have more to do than to leave. */
const STAYING = ["up", "sync", "control", "proxy", "demo", WORKER_COMMAND];

/** A reader such as `head` that has had enough is no failure. */
function leaveWithReader(command: string): void {
  process.stdout.on("error", (error: NodeJS.ErrnoException) => {
    if (error.code !== "EPIPE") throw error;
    if (!STAYING.includes(command)) process.exit(0);
  });
}

await createProgram().parseAsync().catch(failWith);

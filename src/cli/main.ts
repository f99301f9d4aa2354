import { Command } from "commander";
import { createAnalyzeCommand } from "./analyze.ts";
import { createCallCommand } from "./call.ts";
import { createConfigCommand } from "./config.ts";
import { createDemoCommand } from "./demo.ts";
import { createDiffCommand } from "./diff.ts";
import { createEndpointsCommand } from "./endpoints.ts";
import { failWith } from "./fail.ts";
import { createRestartCommand } from "./restart.ts";
import { createRoutesCommand } from "./routes.ts";
import { createRulesCommand } from "./rules.ts";
import { createServicesCommand } from "./services.ts";
import { createUpCommand } from "./up.ts";
import { VERSION } from "./version.ts";
import { createWorkerCommand } from "./worker-command.ts";

/** The whole command line. */
export function createProgram(): Command {
  const program = new Command("trestle")
    .description(
      "a protocol-bridging mesh for legacy Dubbo: change the registry address, get routing and resilience per method",
    )
    .version(VERSION)
    // An option behind a command is that command's own: `call --version 1.0.0` is a service's version.
    .enablePositionalOptions()
    .showHelpAfterError("(trestle --help lists the commands)");
  program.addCommand(createDemoCommand());
  program.addCommand(createUpCommand());
  program.addCommand(createCallCommand());
  program.addCommand(createServicesCommand());
  program.addCommand(createEndpointsCommand());
  program.addCommand(createRoutesCommand());
  program.addCommand(createRulesCommand());
  program.addCommand(createAnalyzeCommand());
  program.addCommand(createDiffCommand());
  program.addCommand(createConfigCommand());
  program.addCommand(createRestartCommand());
  program.addCommand(createWorkerCommand(), { hidden: true });
  for (const command of program.commands) {
    command.showHelpAfterError(`(trestle ${command.name()} --help shows what it takes)`);
  }
  for (const command of [program, ...program.commands]) {
    command.configureOutput({ outputError: (text, write) => write(text.replace(/^error: /, "trestle: ")) });
  }
  return program;
}

await createProgram().parseAsync().catch(failWith);

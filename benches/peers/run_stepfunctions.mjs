#!/usr/bin/env node
// Runs the measured state machines with the npm package aws-local-stepfunctions and with Drivetrain, in turn and in
// processes of their own, and prints the transitions per second of both:
//
//   benches/peers/run_stepfunctions.mjs [rounds, 3 if left out]
//
// Both read the same definitions and inputs, write the whole history as JSON Lines, and must end with the same output.
// Times are of the execution alone, until the last line is written: neither the start of a process nor reading the
// definition counts. Processor time, of all threads, is given beside, for it says more on a busy machine. From three
// rounds on a row gives the middle of each figure. The package is installed once below the cache folder.

import { execFileSync } from 'node:child_process';
import fs from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { createRequire } from 'node:module';
import { fileURLToPath, pathToFileURL } from 'node:url';

const VERSION = '3.0.0';
const SIZES = { chain: [2_500], intrinsics: [2_500], map: [1_000, 10_000] };
// The package knows no JSONata: it runs such a machine as if its expressions were not there.
const ALONE = { jsonata: 2_500 };
const MEMORY_SIZES = [2_500, 25_000, 250_000];

const script = fileURLToPath(import.meta.url);
const root = path.resolve(path.dirname(script), '../..');
const example = path.join(root, 'target/release/examples/transitions');

function install() {
  const base = process.env.DRIVETRAIN_CACHE
    ?? path.join(process.env.XDG_CACHE_HOME ?? path.join(os.homedir(), '.cache'), 'drivetrain');
  const folder = path.join(base, `aws-local-stepfunctions-${VERSION}`);
  const ready = path.join(folder, 'ready');
  if (!fs.existsSync(ready)) {
    fs.mkdirSync(folder, { recursive: true });
    execFileSync('npm', ['install', '--silent', '--prefix', folder, `aws-local-stepfunctions@${VERSION}`]);
    fs.writeFileSync(ready, '');
  }
  return folder;
}

/** Runs one execution with the package; this is what the script's own child process does. */
async function peer(folder, definition, input, history) {
  const require = createRequire(path.join(folder, 'package.json'));
  const { StateMachine } = await import(pathToFileURL(require.resolve('aws-local-stepfunctions')));
  const machine = new StateMachine(JSON.parse(fs.readFileSync(definition)));
  const data = JSON.parse(fs.readFileSync(input));
  const lines = fs.createWriteStream(history);
  const before = process.cpuUsage();
  const started = performance.now();
  const execution = machine.run(data);
  for await (const event of execution.eventLogs) lines.write(JSON.stringify(event) + '\n');
  const output = await execution.result;
  await new Promise((resolve) => lines.end(resolve));
  const { user, system } = process.cpuUsage(before);
  console.log(JSON.stringify({
    seconds: (performance.now() - started) / 1e3,
    processor_seconds: (user + system) / 1e6,
    peak_resident_kib: process.resourceUsage().maxRSS,
    output,
  }));
}

function drivetrain(machine, size, history) {
  return JSON.parse(execFileSync(example, [machine, String(size), history]));
}

function lastOutput(history) {
  const lines = fs.readFileSync(history, 'utf8').trimEnd();
  const event = JSON.parse(lines.slice(lines.lastIndexOf('\n') + 1));
  return JSON.parse(event.executionSucceededEventDetails.output);
}

function sorted(value) {
  if (Array.isArray(value)) return value.map(sorted);
  if (value === null || typeof value !== 'object') return value;
  return Object.fromEntries(Object.keys(value).sort().map((key) => [key, sorted(value[key])]));
}

function printRow(cells) {
  console.log(cells.map((cell, at) => (at === 0 ? String(cell).padEnd(18) : String(cell).padStart(15))).join(''));
}

/** Takes the middle of what several rounds gave, field by field. */
function middle(runs) {
  const fields = ['transitions', 'seconds', 'processor_seconds', 'peak_resident_kib'];
  return Object.fromEntries(fields.map((field) => {
    const sorted = runs.map((run) => run[field]).sort((one, other) => one - other);
    return [field, sorted[sorted.length >> 1]];
  }));
}

function printRuns(name, ours, theirs) {
  printRow([
    name,
    ...['seconds', 'processor_seconds'].flatMap((time) => [
      perSecond(ours.transitions, ours[time]),
      perSecond(ours.transitions, theirs[time]),
      (theirs[time] / ours[time]).toFixed(1),
    ]),
    mebibytes(ours.peak_resident_kib),
    mebibytes(theirs.peak_resident_kib),
  ]);
}

const perSecond = (transitions, seconds) => Math.round(transitions / seconds).toLocaleString('en');
const mebibytes = (kib) => `${(kib / 1024).toFixed(1)} MiB`;

function compare(rounds) {
  const folder = install();
  execFileSync('cargo', ['build', '--release', '--quiet', '-p', 'drivetrain-statemachine', '--example', 'transitions'],
    { cwd: root, stdio: 'inherit' });
  const work = fs.mkdtempSync(path.join(os.tmpdir(), 'stepfunctions-'));
  const input = path.join(work, 'input.json');
  const history = path.join(work, 'history.jsonl');
  try {
    printRow(['transitions/s', 'drivetrain', 'npm', 'times', 'by processor', 'npm', 'times', 'peak', 'npm']);
    for (const [machine, sizes] of Object.entries(SIZES)) {
      for (const size of sizes) {
        const definition = path.join(root, 'statemachine/benches/machines', `${machine}.json`);
        fs.writeFileSync(input, execFileSync(example, [machine, String(size), '--input']));
        const all = { ours: [], theirs: [] };
        for (let round = 0; round < rounds; round += 1) {
          const ours = drivetrain(machine, size, history);
          const expected = JSON.stringify(sorted(lastOutput(history)));
          const theirs = JSON.parse(execFileSync(process.execPath,
            [script, 'peer', folder, definition, input, history], { maxBuffer: 1 << 28 }));
          if (JSON.stringify(sorted(theirs.output)) !== expected) throw new Error(`${machine}: the outputs differ`);
          printRuns(`${machine} ${size}`, ours, theirs);
          all.ours.push(ours);
          all.theirs.push(theirs);
        }
        if (rounds > 2) printRuns('  in the middle', middle(all.ours), middle(all.theirs));
      }
    }
    for (const [machine, size] of Object.entries(ALONE)) {
      const ours = drivetrain(machine, size, history);
      console.log(`drivetrain alone, ${machine} ${size}: ${perSecond(ours.transitions, ours.seconds)} transitions/s, `
        + `${perSecond(ours.transitions, ours.processor_seconds)} by processor`);
    }
    for (const size of MEMORY_SIZES) {
      const ours = drivetrain('chain', size, history);
      console.log(`drivetrain, ${ours.transitions.toLocaleString('en')} transitions, `
        + `${mebibytes(fs.statSync(history).size / 1024)} of history: peak ${mebibytes(ours.peak_resident_kib)}`);
    }
  } finally {
    fs.rmSync(work, { recursive: true });
  }
}

const [first, ...rest] = process.argv.slice(2);
if (first === 'peer') await peer(...rest);
else compare(Number(first ?? 3));

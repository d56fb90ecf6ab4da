// The report of a sweep in headless Chromium: it loads nothing, can be read in the light and in the dark, and fits a phone.
import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { cpSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { after, before, test } from "node:test";
import { launch } from "./browser.mjs";

const binary = new URL("../../bin/lighterman", import.meta.url).pathname;
const corpus = new URL("../corpus", import.meta.url).pathname;
const picture = process.env.SWEEP_PICTURE; // where to write the README's picture, of all repositories
const some = ["go", "legacy", "repo-compose"];

let browser, folder, url;

before(async () => {
  folder = mkdtempSync(join(tmpdir(), "lighterman-"));
  const repositories = picture ? readdirSync(corpus) : [...some];
  for (const name of repositories) cpSync(join(corpus, name), join(folder, name), { recursive: true }); // out of our checkout
  if (!picture) {
    const long = "AVeryLongNameWithoutASpace".repeat(8); // a phone has to break it
    mkdirSync(join(folder, long));
    writeFileSync(join(folder, long, "Dockerfile"), "FROM node:22\nCOPY . .\nRUN npm install\nCMD node server.js\n");
    repositories.push(long, "nowhere");
  }
  const out = join(folder, "out");
  try {
    execFileSync(binary, ["sweep", "--report", out, ...repositories],
      { cwd: folder, env: { ...process.env, LIGHTERMAN_TODAY: "2026-11-25" }, stdio: "pipe" });
  } catch (failed) {
    assert.equal(failed.status, 2, String(failed.stderr)); // the one that is nowhere
  }
  url = pathToFileURL(join(out, "report.html")).href;
  browser = await launch();
});

after(async () => {
  await browser?.close();
  if (folder) rmSync(folder, { recursive: true, force: true });
});

async function open(options) {
  const page = await browser.newPage(options);
  const complaints = [], requests = [];
  page.on("console", (m) => complaints.push(m.text()));
  page.on("request", (r) => requests.push(r.url()));
  await page.goto(url);
  return { page, complaints, requests };
}

test("the page shows the sweep and asks for nothing", async () => {
  const { page, complaints, requests } = await open({ viewport: { width: 1200, height: 900 } });
  assert.match(await page.locator("h1").innerText(), /^Sweep of \d+ repositories$/);
  assert.ok(await page.locator("svg.plot").count() >= 5, "plots");
  assert.ok(await page.locator("svg .fix").count() >= 10, "bars");
  assert.deepEqual(complaints, [], "the policy and the style agree");
  assert.deepEqual(requests, [url]);
  const nameless = await page.evaluate(() => [...document.querySelectorAll("svg.plot")]
    .filter((s) => !s.querySelector("title").textContent || !s.querySelector("desc").textContent).length);
  assert.equal(nameless, 0, "every plot says what it shows");
  if (picture) {
    const clip = { x: 0, y: 0, width: 1200, height: await ends(page, "#found") };
    await page.screenshot({ path: picture, fullPage: true, clip });
  }
});

// ends is where the section with a heading ends.
const ends = (page, heading) =>
  page.evaluate((h) => Math.ceil(document.querySelector(h).closest("section").getBoundingClientRect().bottom) + 20, heading);

for (const colorScheme of ["light", "dark"]) {
  for (const width of [390, 1200]) {
    test(`it can be read in the ${colorScheme} on ${width} pixels`, async () => {
      const { page } = await open({ viewport: { width, height: 800 }, colorScheme });
      assert.deepEqual(await page.evaluate(wide), [], "what is wider than the window");
      assert.deepEqual(await page.evaluate(pale), [], "what has too little contrast (WCAG 1.4.3, 1.4.11)");
      assert.deepEqual(await page.evaluate(overlapping), [], "labels that run into their numbers");
    });
  }
}

test("it is printed dark on white, whatever the screen is", async () => {
  const { page } = await open({ viewport: { width: 720, height: 1000 }, colorScheme: "dark" });
  await page.emulateMedia({ media: "print", colorScheme: "dark" });
  assert.equal(await page.evaluate(() => getComputedStyle(document.body).backgroundColor), "rgb(255, 255, 255)");
  assert.deepEqual(await page.evaluate(wide), []);
  assert.deepEqual(await page.evaluate(pale), []);
});

// wide lists what sticks out of the window.
function wide() {
  const out = [...document.querySelectorAll("body *")].filter((e) => e.getBoundingClientRect().right > innerWidth + 1 &&
    !e.closest("svg.cut")).map((e) => e.outerHTML.slice(0, 80));
  if (document.documentElement.scrollWidth > innerWidth) out.push("the page scrolls sideways");
  return out;
}

// pale lists text and bars that stand out too little against what is behind them.
function pale() {
  const channels = (c) => c.match(/[\d.]+/g).map(Number);
  const light = (c) => channels(c).slice(0, 3).map((v) => v / 255)
    .map((v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4))
    .reduce((sum, v, n) => sum + v * [0.2126, 0.7152, 0.0722][n], 0);
  const ratio = (a, b) => (Math.max(light(a), light(b)) + 0.05) / (Math.min(light(a), light(b)) + 0.05);
  const behind = (e) => {
    for (; e; e = e.parentElement) {
      const c = getComputedStyle(e).backgroundColor;
      if (channels(c)[3] !== 0) return c;
    }
    return "rgb(255, 255, 255)";
  };
  const out = [];
  const hold = (e, colour, least) => {
    const got = ratio(colour, behind(e.parentElement));
    if (got < least) out.push(`${got.toFixed(2)}: ${e.outerHTML.slice(0, 80)}`);
  };
  for (const e of document.querySelectorAll("body *")) {
    const style = getComputedStyle(e);
    if (e.matches("svg text")) hold(e, style.fill, 4.5);
    else if (e.matches("rect.fix, rect.rest, rect.sum")) hold(e, style.fill, 3);
    else if (!e.closest("svg") && [...e.childNodes].some((n) => n.nodeType === 3 && n.data.trim())) {
      hold(e, style.color, parseFloat(style.fontSize) >= 24 ? 3 : 4.5);
    }
  }
  return out;
}

// overlapping lists rows of a plot whose label and number touch.
function overlapping() {
  return [...document.querySelectorAll("svg.cut")].filter((cut) => {
    const left = cut.querySelector("text").getBoundingClientRect(), right = cut.nextElementSibling.getBoundingClientRect();
    const end = Math.min(left.right, cut.ownerSVGElement.getBoundingClientRect().left +
      cut.width.baseVal.value);
    return end > right.left;
  }).map((cut) => cut.textContent);
}

/**
 * The way in: opens the session behind the link and shows the screen of its kind.
 * In: the address. Out: a page that lives. Invariant: what the session is for decides what is shown, not the path; so a
 * payment link never leads to setting up a passkey.
 *
 * On a slow network every wait counts. While the tab's link is being exchanged everything else is fetched, and a button
 * works after two waits: for the page, of which this script is a part as opening.js is, and for what the two asked for.
 */
const SCREENS = {
  PAYER_TOKEN_KIND_PAY: () => import("/scripts/pay.js"),
  PAYER_TOKEN_KIND_ENROL: () => import("/scripts/enrol.js"),
  PAYER_TOKEN_KIND_MANAGE: () => import("/scripts/manage.js"),
};
const capable = () => "isWellFormed" in String.prototype && window.PublicKeyCredential?.parseRequestOptionsFromJSON;
const NOTHING = "We cannot be reached. Please reload. 暂时无法连接，请刷新页面。";
const { atBank, visited } = globalThis.tab;
let view, words;

async function main() {
  const opening = atBank
    ? import("/sandbox/bank.js")
    : import("/scripts/session.js").then(({ openSession }) => openSession());
  const furniture = furnish();
  const [session] = await Promise.allSettled([opening, furniture]);
  try {
    await furniture;
    if (session.reason) throw session.reason;
    await (atBank ? session.value.start() : enter(session.value));
  } catch (problem) {
    trouble(problem);
  }
}

/** Everything a screen needs, once. */
async function furnish() {
  if (view) return;
  if (location.pathname === "/pay") SCREENS.PAYER_TOKEN_KIND_PAY().catch(() => {});
  const [elements, texts] = await Promise.all([import("/scripts/view.js"), import("/scripts/words.js")]);
  await texts.loadWords();
  [view, words] = [elements, texts];
  view.live();
}

async function enter(session) {
  if (!capable()) throw Object.assign(new Error(), { reason: "old" });
  const shop = new URLSearchParams(location.search).get("mandate");
  if (location.pathname === "/receipt") {
    const { showReceipt } = await import("/scripts/receipt.js");
    await showReceipt(history.state?.payment ?? session.checkout?.payment.name);
  } else if (session.kind === "PAYER_TOKEN_KIND_MANAGE" && shop) {
    await (await import("/scripts/mandate.js")).start(shop);
  } else {
    await (await SCREENS[session.kind]()).start(session);
  }
}

/** Whether a script did not arrive: browsers tell it in words of their own, all of which speak of importing. */
const unfetched = ({ code, message }) => !code && /import/i.test(message);

/** Says what is wrong and what to do next. */
function trouble({ reason = "", code, message }) {
  if (!view) {
    document.getElementById("title").textContent = NOTHING;
    addEventListener("online", () => location.reload(), { once: true });
    return;
  }
  const { known, t } = words;
  if (reason === "NO_LINK" && location.pathname === "/return") reason = "returned"; // in another tab than it was left from
  if (unfetched({ code, message })) reason = "UNREACHABLE";
  const key = known(reason) ?? (code === "unauthenticated" ? "ended" : "sorry");
  const again = ["UNREACHABLE", "sorry"].includes(key);
  const picture = key === "UNREACHABLE" ? "info" : key === "CHECKOUT_LINK_EXPIRED" || key === "ended" ? "clock" : "link";
  view.show(() => view.notice({
    state: key, picture, title: t(key), text: known(`${key}_`) ? t(`${key}_`) : code && message,
    actions: again ? [view.button(t("retry"), () => main(), { kind: "primary" })] : [],
  }));
}

// What a button's work does not catch itself, such as a session that is over.
addEventListener("unhandledrejection", (event) => {
  const problem = event.reason ?? {};
  if (problem.reason || unfetched(problem)) event.preventDefault(); // told to the person; a fault of ours stays one
  trouble(problem);
});
// Another link in the same tab, or the way back from a receipt.
addEventListener("popstate", () => main());
visited.then(main);

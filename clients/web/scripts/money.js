/**
 * Money as people read it. In: minor units as decimal digits, a currency. Out: text.
 * Invariant: no amount ever becomes a floating-point number; the decimals are the currency's.
 */

// Browsers count by CLDR, which rounds some currencies to the whole; ISO 4217, and the server, do not. Others have 2.
const EXPONENTS = {
  0: "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF",
  3: "BHD IQD JOD KWD LYD OMR TND",
  4: "CLF UYW",
  6: "USDC USDT",
};
const EXPONENT = 2;

/** Decimals of a currency's minor unit: JPY 0, CNY 2, KWD 3. */
export function exponent(currency) {
  const row = Object.entries(EXPONENTS).find(([, codes]) => codes.split(" ").includes(currency));
  return row ? Number(row[0]) : EXPONENT;
}

/** "1250" of CNY is "12.50": the text that Secure Payment Confirmation signs. */
export function decimal(minor, currency) {
  const digits = exponent(currency);
  const text = String(minor).padStart(digits + 1, "0");
  return digits ? `${text.slice(0, -digits)}.${text.slice(-digits)}` : text;
}

/** An amount with its symbol and its currency, in a language: "¥12.50 CNY". Yuan and yen have the same symbol. */
export function money({ currencyCode, amountMinor = "0" }, language) {
  const value = decimal(amountMinor, currencyCode);
  if (currencyCode.length > 3) return `${value}\u00a0${currencyCode}`;
  const digits = exponent(currencyCode);
  // A text, not a number, is formatted exactly, however long it is.
  const text = new Intl.NumberFormat(language, {
    style: "currency", currency: currencyCode, currencyDisplay: "narrowSymbol",
    minimumFractionDigits: digits, maximumFractionDigits: digits,
  }).format(value);
  return text.includes(currencyCode) ? text : `${text}\u00a0${currencyCode}`;
}

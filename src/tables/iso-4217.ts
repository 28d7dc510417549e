/**
 * The currencies of ISO 4217 and their minor units, as of a list its maintenance agency published. A table of ours: the
 * packages that hold it follow the list years late. test/tables/iso-4217.test.ts says when it has fallen behind; then
 * compare it with "list one" anew, and move what is no longer in that to WITHDRAWN.
 */

/** When the list that this table agrees with was published. */
export const PUBLISHED = '2026-01-01';

/** Current codes by their decimals. The last of those with none have no minor unit at all: metals, funds, tests. */
const CURRENT: Readonly<Record<number, string>> = {
  0: `BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF
    XAG XAU XBA XBB XBC XBD XDR XPD XPT XSU XTS XUA XXX`,
  2: `AED AFN ALL AMD AOA ARS AUD AWG AZN BAM BBD BDT BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD CDF CHE CHF CHW CNY
    COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GTQ GYD HKD HNL HTG HUF IDR ILS
    INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR
    MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP
    STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD TZS UAH USD USN UYU UZS VED VES WST XAD XCD XCG YER ZAR ZMW ZWG`,
  3: 'BHD IQD JOD KWD LYD OMR TND',
  4: 'CLF UYW',
};

/** Codes withdrawn in the last years: good in books that hold them, and new to no other (domain.md §14). */
const WITHDRAWN: Readonly<Record<number, string>> = { 2: 'ANG BGN CUC HRK SLL ZWL' };

const decimalsByCode = (table: Readonly<Record<number, string>>): ReadonlyMap<string, number> =>
  new Map(
    Object.entries(table).flatMap(([decimals, codes]) =>
      codes.split(/\s+/).map((code) => [code, Number(decimals)] as const),
    ),
  );

const current = decimalsByCode(CURRENT);
const withdrawn = decimalsByCode(WITHDRAWN);

/** How many decimals a code has, withdrawn or not; undefined where there is none. */
export const isoDecimals = (code: string): number | undefined => current.get(code) ?? withdrawn.get(code);

/** Whether a code was one of ISO 4217 and is no longer. */
export const isWithdrawn = (code: string): boolean => withdrawn.has(code);

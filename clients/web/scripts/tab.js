/** The tab as the opening of the page found it (opening.js, which is part of the page itself), for the modules. */
export const { lasting, passing, visited, markOf, takeLink, takeEarly, send } = globalThis.tab;

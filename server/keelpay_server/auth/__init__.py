"""Who says so: passkeys, confirmations bound to exact terms, evidence, access tokens and partners' keys.

In: what a browser, a phone or a partner signed. Out: verified facts for decisions, or a refusal with one reason.
Invariant: nothing here trusts a word that no key has signed.
"""

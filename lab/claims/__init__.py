"""The catalogue of claims: what the lab exists to check."""

from lab.claims.catalogue import BrokenCatalogue, Catalogue, Claim, UnknownClaim, load

__all__ = ["BrokenCatalogue", "Catalogue", "Claim", "UnknownClaim", "load"]

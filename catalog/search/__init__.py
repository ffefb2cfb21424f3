"""Korean search inside PostgreSQL. `engine.search` answers a query; `index` keeps what it reads.

hangul, roman, units, particles   what the letters say (nothing here knows the shop)
documents                         texts → the columns of catalog_searchdoc
query, synonyms, corrections      what was typed → readings and probes
matching, names, vocabulary       probes → SQL
engine                            the order of the questions
index                             the write path
"""

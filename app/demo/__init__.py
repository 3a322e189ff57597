"""The demo city: invented firms, the files of its departments, its finance system and people."""

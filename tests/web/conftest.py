"""For the folders below: what is beside this file can be imported there, such as `panel_stage`."""

"""How well knowledge is found: labelled messages, what is found in them, and the model made from some of them."""

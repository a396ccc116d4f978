"""Fine-tunes a finished recogniser on a user's fonts, texts and pictures, and teaches it new characters.

What a user has is a pack: an ONNX graph, possibly in INT8, and no checkpoint. So the graph itself is taken
apart (`graph`): everything up to the embedding that its last projection reads stays as it is, bit for bit,
and is run once over every line (`base`). Trained on what comes out (`learn`) are the projection, with rows
for the new characters, and a small correction of the embedding. Both are written back into the same graph.

Lines come from the user's own material (`material`, `faces`, `lines`), mixed with lines of what the
recogniser can read already, so that it does not forget. `run` does it all, and refuses a result that has
forgotten.
"""

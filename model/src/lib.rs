//! Shots, briefs and the fillers that make missing frames. No OpenFX type in sight.

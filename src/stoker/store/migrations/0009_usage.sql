-- What an account uses is added up at each creation: without going through the bodies.
CREATE INDEX functions_usage ON functions (account, region, code_bytes);
CREATE INDEX function_versions_usage ON function_versions (account, region, code_bytes);
CREATE INDEX layer_versions_usage ON layer_versions (account, region, code_bytes);

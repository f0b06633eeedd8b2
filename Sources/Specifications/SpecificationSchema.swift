/// The JSON Schema (draft 7) of specification files, for editors and validators.
///
/// It knows the keys and the shapes of texts; names, units and the meaning of expressions are the reader's. What the
/// reader accepts satisfies it. `schemas/vpals-spec-v1.schema.json` holds the same text.
public enum SpecificationSchema {
  public static let text = ##"""
    {
      "$schema": "http://json-schema.org/draft-07/schema#",
      "$id": "urn:vpals:schema:spec:v1",
      "title": "vPALs specification, vpals/v1",
      "description": "What must hold of a neural network that predicts an application's performance. Names, units and expressions are checked by `vpals spec check`.",
      "type": "object",
      "additionalProperties": false,
      "required": [
        "spec",
        "features",
        "outputs",
        "properties"
      ],
      "properties": {
        "spec": {
          "const": "vpals/v1",
          "description": "The version of the language."
        },
        "features": {
          "type": "object",
          "minProperties": 1,
          "maxProperties": 512,
          "propertyNames": {
            "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
          },
          "additionalProperties": {
            "$ref": "#/definitions/feature"
          },
          "description": "The network's inputs, in its order unless 'index' says otherwise."
        },
        "outputs": {
          "type": "object",
          "minProperties": 1,
          "maxProperties": 64,
          "propertyNames": {
            "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
          },
          "additionalProperties": {
            "$ref": "#/definitions/output"
          },
          "description": "The network's outputs, in its order unless 'index' says otherwise."
        },
        "assume": {
          "anyOf": [
            {
              "type": "string",
              "minLength": 3,
              "maxLength": 4096,
              "pattern": "[^<>=](<=|>=|==|<|>)",
              "examples": [
                "psi_cpu_some <= 80 percent",
                "cores + spare <= 3 cores"
              ]
            },
            {
              "type": "array",
              "minItems": 1,
              "maxItems": 64,
              "items": {
                "type": "string",
                "minLength": 3,
                "maxLength": 4096,
                "pattern": "[^<>=](<=|>=|==|<|>)",
                "examples": [
                  "psi_cpu_some <= 80 percent",
                  "cores + spare <= 3 cores"
                ]
              }
            }
          ],
          "description": "Facts about the inputs: preconditions of every property."
        },
        "properties": {
          "type": "array",
          "minItems": 1,
          "maxItems": 1024,
          "items": {
            "$ref": "#/definitions/property"
          },
          "description": "What must hold."
        }
      },
      "definitions": {
        "amount": {
          "anyOf": [
            {
              "type": "number"
            },
            {
              "type": "string",
              "maxLength": 128,
              "pattern": "^\\s*-?\\s*([0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?|[0-9]+/[0-9]+)(\\s+([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*))?\\s*$"
            }
          ]
        },
        "range": {
          "type": "string",
          "maxLength": 200,
          "pattern": "^\\s*-?\\s*([0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?|[0-9]+/[0-9]+)(\\s+([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*))?\\s*\\.\\.\\s*-?\\s*([0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?|[0-9]+/[0-9]+)(\\s+([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*))?\\s*$",
          "examples": [
            "0..1",
            "5..95 percent",
            "512 MiB..8 GiB"
          ]
        },
        "values": {
          "type": "array",
          "minItems": 1,
          "maxItems": 64,
          "uniqueItems": true,
          "items": {
            "$ref": "#/definitions/amount"
          }
        },
        "feature": {
          "type": "object",
          "additionalProperties": false,
          "description": "An input of the network.",
          "properties": {
            "index": {
              "type": [
                "integer",
                "string"
              ],
              "minimum": 0,
              "pattern": "^[0-9]{1,6}$",
              "description": "Position in the network's input or output, from 0; by default the position in the file."
            },
            "unit": {
              "type": "string",
              "maxLength": 32,
              "description": "What one unit of the number is. fraction and percent, ns to h, B to GiB convert, and so do their quotients (MiB/s, req/min); any other name fits only itself.",
              "anyOf": [
                {
                  "enum": [
                    "none",
                    "fraction",
                    "percent",
                    "ns",
                    "us",
                    "ms",
                    "s",
                    "min",
                    "h",
                    "B",
                    "kB",
                    "MB",
                    "GB",
                    "KiB",
                    "MiB",
                    "GiB",
                    "cores",
                    "req/s",
                    "1/s"
                  ]
                },
                {
                  "pattern": "^([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*)$",
                  "not": {
                    "enum": [
                      "sec",
                      "secs",
                      "second",
                      "seconds",
                      "msec",
                      "usec",
                      "nsec",
                      "millis",
                      "bytes",
                      "byte",
                      "pct",
                      "percents",
                      "ratio",
                      "minutes",
                      "minute",
                      "hour",
                      "hours",
                      "hr"
                    ]
                  }
                }
              ]
            },
            "scale": {
              "enum": [
                "linear",
                "log2"
              ],
              "default": "linear",
              "description": "log2: the network's number is the binary logarithm of the engineer's number in the declared unit."
            },
            "column": {
              "type": "string",
              "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
              "description": "The column of the data file; by default the name."
            },
            "about": {
              "type": [
                "string",
                "number",
                "boolean"
              ],
              "minLength": 1,
              "maxLength": 2000,
              "description": "A text for people."
            },
            "domain": {
              "type": "string",
              "maxLength": 200,
              "pattern": "^\\s*-?\\s*([0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?|[0-9]+/[0-9]+)(\\s+([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*))?\\s*\\.\\.\\s*-?\\s*([0-9]+(\\.[0-9]+)?([eE][+-]?[0-9]+)?|[0-9]+/[0-9]+)(\\s+([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*))?\\s*$",
              "examples": [
                "0..1",
                "5..95 percent",
                "512 MiB..8 GiB"
              ],
              "description": "The closed range over which every property must hold."
            },
            "values": {
              "type": "array",
              "minItems": 1,
              "maxItems": 64,
              "uniqueItems": true,
              "items": {
                "$ref": "#/definitions/amount"
              },
              "description": "The values that the feature can have, in place of a range."
            }
          },
          "oneOf": [
            {
              "required": [
                "domain"
              ]
            },
            {
              "required": [
                "values"
              ]
            }
          ]
        },
        "output": {
          "type": "object",
          "additionalProperties": false,
          "description": "An output of the network.",
          "properties": {
            "index": {
              "type": [
                "integer",
                "string"
              ],
              "minimum": 0,
              "pattern": "^[0-9]{1,6}$",
              "description": "Position in the network's input or output, from 0; by default the position in the file."
            },
            "unit": {
              "type": "string",
              "maxLength": 32,
              "description": "What one unit of the number is. fraction and percent, ns to h, B to GiB convert, and so do their quotients (MiB/s, req/min); any other name fits only itself.",
              "anyOf": [
                {
                  "enum": [
                    "none",
                    "fraction",
                    "percent",
                    "ns",
                    "us",
                    "ms",
                    "s",
                    "min",
                    "h",
                    "B",
                    "kB",
                    "MB",
                    "GB",
                    "KiB",
                    "MiB",
                    "GiB",
                    "cores",
                    "req/s",
                    "1/s"
                  ]
                },
                {
                  "pattern": "^([A-Za-z_][A-Za-z0-9_]*(/[A-Za-z_][A-Za-z0-9_]*)?|1/[A-Za-z_][A-Za-z0-9_]*)$",
                  "not": {
                    "enum": [
                      "sec",
                      "secs",
                      "second",
                      "seconds",
                      "msec",
                      "usec",
                      "nsec",
                      "millis",
                      "bytes",
                      "byte",
                      "pct",
                      "percents",
                      "ratio",
                      "minutes",
                      "minute",
                      "hour",
                      "hours",
                      "hr"
                    ]
                  }
                }
              ]
            },
            "scale": {
              "enum": [
                "linear",
                "log2"
              ],
              "default": "linear",
              "description": "log2: the network's number is the binary logarithm of the engineer's number in the declared unit."
            },
            "column": {
              "type": "string",
              "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
              "description": "The column of the data file; by default the name."
            },
            "about": {
              "type": [
                "string",
                "number",
                "boolean"
              ],
              "minLength": 1,
              "maxLength": 2000,
              "description": "A text for people."
            }
          }
        },
        "property": {
          "type": "object",
          "additionalProperties": false,
          "required": [
            "id"
          ],
          "properties": {
            "id": {
              "type": [
                "string",
                "number",
                "boolean"
              ],
              "pattern": "^[a-z0-9][a-z0-9._-]{0,127}$",
              "description": "A name that is unique in the file."
            },
            "about": {
              "type": [
                "string",
                "number",
                "boolean"
              ],
              "minLength": 1,
              "maxLength": 2000,
              "description": "A text for people."
            },
            "nondecreasing": {
              "type": "object",
              "additionalProperties": false,
              "required": [
                "of",
                "in"
              ],
              "properties": {
                "of": {
                  "type": "string",
                  "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
                  "description": "The output."
                },
                "in": {
                  "anyOf": [
                    {
                      "type": "string",
                      "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
                    },
                    {
                      "type": "array",
                      "minItems": 1,
                      "maxItems": 512,
                      "uniqueItems": true,
                      "items": {
                        "type": "string",
                        "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
                      }
                    }
                  ],
                  "description": "The feature that grows, or several that grow together."
                },
                "over": {
                  "$ref": "#/definitions/range",
                  "description": "A part of the feature's domain, as in 5..95 percent."
                }
              },
              "description": "The output never falls when the feature grows and all else stays the same."
            },
            "nonincreasing": {
              "type": "object",
              "additionalProperties": false,
              "required": [
                "of",
                "in"
              ],
              "properties": {
                "of": {
                  "type": "string",
                  "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
                  "description": "The output."
                },
                "in": {
                  "anyOf": [
                    {
                      "type": "string",
                      "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
                    },
                    {
                      "type": "array",
                      "minItems": 1,
                      "maxItems": 512,
                      "uniqueItems": true,
                      "items": {
                        "type": "string",
                        "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
                      }
                    }
                  ],
                  "description": "The feature that grows, or several that grow together."
                },
                "over": {
                  "$ref": "#/definitions/range",
                  "description": "A part of the feature's domain, as in 5..95 percent."
                }
              },
              "description": "The output never rises when the feature grows and all else stays the same."
            },
            "rate": {
              "type": "object",
              "additionalProperties": false,
              "required": [
                "of",
                "in"
              ],
              "anyOf": [
                {
                  "required": [
                    "min"
                  ]
                },
                {
                  "required": [
                    "max"
                  ]
                }
              ],
              "properties": {
                "of": {
                  "type": "string",
                  "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
                  "description": "The output."
                },
                "in": {
                  "type": "string",
                  "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$",
                  "description": "The feature that grows."
                },
                "over": {
                  "$ref": "#/definitions/range",
                  "description": "A part of the feature's domain, as in 5..95 percent."
                },
                "per": {
                  "$ref": "#/definitions/amount",
                  "description": "One step of the feature; by default one unit, or one doubling on scale log2."
                },
                "min": {
                  "$ref": "#/definitions/amount",
                  "description": "The least growth of the output in one step."
                },
                "max": {
                  "$ref": "#/definitions/amount",
                  "description": "The greatest growth of the output in one step."
                }
              },
              "description": "Bounds on the growth of the output per step of the feature."
            },
            "always": {
              "anyOf": [
                {
                  "type": "string",
                  "minLength": 3,
                  "maxLength": 4096,
                  "pattern": "^[^<>]*((<=|>=|==)[^<>]*)+$",
                  "examples": [
                    "0 ms <= p99 <= 60 s",
                    "p50 <= p99"
                  ]
                },
                {
                  "type": "array",
                  "minItems": 1,
                  "maxItems": 64,
                  "items": {
                    "type": "string",
                    "minLength": 3,
                    "maxLength": 4096,
                    "pattern": "^[^<>]*((<=|>=|==)[^<>]*)+$",
                    "examples": [
                      "0 ms <= p99 <= 60 s",
                      "p50 <= p99"
                    ]
                  }
                }
              ],
              "description": "Comparisons that hold at every point, as in 0 ms <= p99 <= 60 s."
            },
            "forall": {
              "type": "array",
              "minItems": 2,
              "maxItems": 2,
              "uniqueItems": true,
              "items": {
                "type": "string",
                "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
              },
              "description": "Names of two points, for 'where' and 'then'."
            },
            "where": {
              "anyOf": [
                {
                  "type": "string",
                  "minLength": 3,
                  "maxLength": 4096,
                  "pattern": "[^<>=](<=|>=|==|<|>)",
                  "examples": [
                    "psi_cpu_some <= 80 percent",
                    "cores + spare <= 3 cores"
                  ]
                },
                {
                  "type": "array",
                  "minItems": 1,
                  "maxItems": 64,
                  "items": {
                    "type": "string",
                    "minLength": 3,
                    "maxLength": 4096,
                    "pattern": "[^<>=](<=|>=|==|<|>)",
                    "examples": [
                      "psi_cpu_some <= 80 percent",
                      "cores + spare <= 3 cores"
                    ]
                  }
                }
              ],
              "description": "Comparisons between the features of the two points, as in x.cores <= y.cores."
            },
            "then": {
              "anyOf": [
                {
                  "type": "string",
                  "minLength": 3,
                  "maxLength": 4096,
                  "pattern": "^[^<>]*((<=|>=|==)[^<>]*)+$",
                  "examples": [
                    "0 ms <= p99 <= 60 s",
                    "p50 <= p99"
                  ]
                },
                {
                  "type": "array",
                  "minItems": 1,
                  "maxItems": 64,
                  "items": {
                    "type": "string",
                    "minLength": 3,
                    "maxLength": 4096,
                    "pattern": "^[^<>]*((<=|>=|==)[^<>]*)+$",
                    "examples": [
                      "0 ms <= p99 <= 60 s",
                      "p50 <= p99"
                    ]
                  }
                }
              ],
              "description": "What must hold of the two points, as in x.p99 >= y.p99."
            },
            "tolerance": {
              "$ref": "#/definitions/amount",
              "description": "How much of the output may go the wrong way between any two points."
            },
            "when": {
              "anyOf": [
                {
                  "type": "string",
                  "minLength": 3,
                  "maxLength": 4096,
                  "pattern": "[^<>=](<=|>=|==|<|>)",
                  "examples": [
                    "psi_cpu_some <= 80 percent",
                    "cores + spare <= 3 cores"
                  ]
                },
                {
                  "type": "array",
                  "minItems": 1,
                  "maxItems": 64,
                  "items": {
                    "type": "string",
                    "minLength": 3,
                    "maxLength": 4096,
                    "pattern": "[^<>=](<=|>=|==|<|>)",
                    "examples": [
                      "psi_cpu_some <= 80 percent",
                      "cores + spare <= 3 cores"
                    ]
                  }
                }
              ],
              "description": "Preconditions on features."
            },
            "for-each": {
              "type": "object",
              "minProperties": 1,
              "propertyNames": {
                "pattern": "^[A-Za-z_][A-Za-z0-9_]{0,63}$"
              },
              "additionalProperties": {
                "anyOf": [
                  {
                    "const": "all"
                  },
                  {
                    "$ref": "#/definitions/values"
                  }
                ]
              },
              "description": "One property for each of the values, as in {replicas: all}."
            }
          },
          "oneOf": [
            {
              "required": [
                "nondecreasing"
              ]
            },
            {
              "required": [
                "nonincreasing"
              ]
            },
            {
              "required": [
                "rate"
              ]
            },
            {
              "required": [
                "always"
              ]
            },
            {
              "required": [
                "forall"
              ]
            }
          ],
          "dependencies": {
            "forall": [
              "then"
            ],
            "then": [
              "forall"
            ],
            "where": [
              "forall"
            ],
            "tolerance": {
              "anyOf": [
                {
                  "required": [
                    "nondecreasing"
                  ]
                },
                {
                  "required": [
                    "nonincreasing"
                  ]
                }
              ]
            }
          }
        }
      }
    }

    """##
}
